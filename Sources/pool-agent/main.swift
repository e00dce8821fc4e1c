print("pool-agent")
