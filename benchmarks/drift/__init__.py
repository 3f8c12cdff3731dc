"""How long it takes to know what drifted, in memory and out of Parquet, as the snapshot grows."""
