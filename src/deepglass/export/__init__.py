"""In what form a finished model leaves the house: a folder for the Hugging Face hub."""
