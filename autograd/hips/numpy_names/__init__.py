"""Modules of HIPS autograd below `autograd.numpy`: this folder is on the path of that package."""
