"""What the pages and APIs of all services share: problems, pages, words, style, headers."""
