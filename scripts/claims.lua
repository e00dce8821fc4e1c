-- Claims for wrk, each with a name of its own: one a request, or BATCH of them. What is refused wrk
-- counts by itself; to look at answers here would cost as much as to make them.
local run, tenant = os.getenv("RUN"), os.getenv("TENANT")
local batch = tonumber(os.getenv("BATCH"))
local file = assert(io.open(os.getenv("POOL_TOKEN_FILE")))
local token = file:read("l")
file:close()
local count = 0
local headers = { ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" }

local function claim()
  count = count + 1
  return string.format([[{"name":"%s-%d","tenant":"%s","application":"app","workflow":"%s-%d",]] ..
    [["principal":"lab","service":"%s","action":"run","model_class":"small","lanes":["shared"],]] ..
    [["demand":{"cpu_milli":2,"sharing":"any-tenant"},"runtime_max_seconds":600}]],
    run, count, tenant, run, math.floor(count / 500), tenant == "acme" and "work" or "other")
end

function request()
  if batch == 0 then return wrk.format("POST", "/v1/claims", headers, claim()) end
  local claims = {}
  for index = 1, batch do claims[index] = claim() end
  return wrk.format("POST", "/v1/claims/batch", headers,
    '{"claims":[' .. table.concat(claims, ",") .. "]}")
end
