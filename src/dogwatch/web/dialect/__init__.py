"""What all dialects share: how a caller is known, limited and answered; each words it itself."""
