"""The application: settings, startup, services, conversation, routes."""
