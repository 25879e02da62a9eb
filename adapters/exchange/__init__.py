"""What passes between the gateway and a platform, each way, compiled from a bundle's declarations."""
