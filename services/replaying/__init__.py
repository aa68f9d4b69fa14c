"""What stands, made again from the trail alone, and compared with what stands (`throughline trail replay`)."""
