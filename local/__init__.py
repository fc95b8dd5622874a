"""What runs on a person's machine; nothing of it is deployed."""
