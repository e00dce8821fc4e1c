-- Looks for wrk, at PATH_OF_LOOK, with the credential in POOL_TOKEN_FILE.
local file = assert(io.open(os.getenv("POOL_TOKEN_FILE")))
wrk.headers["Authorization"] = "Bearer " .. file:read("l")
file:close()
wrk.path = os.getenv("PATH_OF_LOOK")
