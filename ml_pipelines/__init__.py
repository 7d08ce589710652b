"""Models as data, and the one pipeline that trains them all. What is done is in `varai.learning`."""
