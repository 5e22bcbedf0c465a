"""The one place that assembles: a store from its configuration, a process from its parts."""
