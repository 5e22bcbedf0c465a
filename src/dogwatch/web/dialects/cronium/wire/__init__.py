"""The shapes of Cronium: camelCase, whole ids, enums in upper case."""
