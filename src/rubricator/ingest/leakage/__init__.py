"""What one part of a split knows of another: twins, groups, times and relatives across parts."""
