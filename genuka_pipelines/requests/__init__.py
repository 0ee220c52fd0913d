"""What people and tenants ask for: registered, found, previewed, approved, carried out, proved and answered."""
