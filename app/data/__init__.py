"""What the page shows, as arrays and words: experiments, columns, scores, answers. Nothing here draws."""
