"""What follows a change of the list: the artifact of a run is brought up to the categories of today."""
