"""What the system does, one module a use case, in the words of the domain.
Collaborators are arguments: store, gateway, clock and chance come from whoever
calls."""
