"""What does it cost, and does it hold on real data? Run with ``make bench``."""
