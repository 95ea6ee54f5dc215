"""The pictures of the tour, one file an act. They draw what they are handed and compute nothing."""
