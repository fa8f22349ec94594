"""What every agent is: the registry, the stages of a fit, acting, saving and loading."""
