"""What is measured, side by side in one run; ratios, since machines differ. `make bench` runs them all."""
