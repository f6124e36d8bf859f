"""The contracts: what travels through Kafka, and the words that every part shares.

Pure and without dependencies on the rest of the project; everything else may import from here.
"""
