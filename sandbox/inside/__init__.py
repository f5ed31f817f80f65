"""What runs on the far side of the boundary: the keeper, the zygote and its forks. Standard library only at the top."""
