"""What commands show: findings, catalogues, connections, trials."""
