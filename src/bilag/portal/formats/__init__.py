"""How dates are written, where the library has another custom."""
