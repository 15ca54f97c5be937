"""Pictures of accuracy and equivariance error over scale, and of sampling points."""
