"""Every promised period, enforced: what is due is planned, destroyed by the one engine, counted again and explained."""
