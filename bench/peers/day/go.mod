module farechain.example/day

go 1.26.0
