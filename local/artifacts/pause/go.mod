module clowder.invalid/pause

go 1.24
