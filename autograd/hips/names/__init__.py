"""The modules of HIPS autograd by their names: this folder is on the path of the package `autograd`."""
