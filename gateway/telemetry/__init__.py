"""What the gateway tells its operators: events, and the hooks that count, log and trace them."""
