"""Who is asking, and what for: client credentials in, signed tokens out, and every later request checked against them."""
