"""What derives from content: computed once, versioned, and an entry of the trail from then on (decision 21).

The rules are pure: words and what is known of earlier words in, a fact out. Only `reader` opens content.
"""
