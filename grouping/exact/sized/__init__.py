"""Groups of limited size: bounds that know how many users a group may have."""
