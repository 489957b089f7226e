-- wrk's requests for a key-value store, the same for each dialect: v3 (etcd's JSON gateway), v2 (etcd's older HTTP API) and
-- martlet (/v1/kv). Arguments: DIALECT put|read|plain|local KEYS [COUNT [SIZE]]. Keys are taken in turn from so many; values have
-- SIZE bytes, or 256; with COUNT it ends once so many were answered. Prints: rate p50-ms p99-ms answered failed.
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local floor = math.floor

-- RFC 4648 section 4, for lengths that are multiples of three or, padded, are not.
local function base64(text)
   local parts = {}
   for at = 1, #text, 3 do
      local a, b, c = text:byte(at, at + 2)
      local group = a * 65536 + (b or 0) * 256 + (c or 0)
      for place = 0, 3 do
         local digit = floor(group / 64 ^ (3 - place)) % 64
         parts[#parts + 1] = (place == 2 and not b or place == 3 and not c) and "=" or alphabet:sub(digit + 1, digit + 1)
      end
   end
   return table.concat(parts)
end

local value, encoded
local dialects = {
   v3 = {
      put = function(key)
         return wrk.format("POST", "/v3/kv/put", nil, '{"key":"' .. base64(key) .. '","value":"' .. encoded .. '"}')
      end,
      read = function(key) return wrk.format("POST", "/v3/kv/range", nil, '{"key":"' .. base64(key) .. '"}') end,
      ["local"] = function(key)
         return wrk.format("POST", "/v3/kv/range", nil, '{"key":"' .. base64(key) .. '","serializable":true}')
      end,
   },
   v2 = {
      put = function(key)
         local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
         return wrk.format("PUT", "/v2/keys/" .. key, headers, "value=" .. value)
      end,
      read = function(key) return wrk.format("GET", "/v2/keys/" .. key .. "?quorum=true") end,
      ["local"] = function(key) return wrk.format("GET", "/v2/keys/" .. key) end,
   },
   martlet = {
      put = function(key) return wrk.format("PUT", "/v1/kv/" .. key, nil, value) end,
      read = function(key) return wrk.format("GET", "/v1/kv/" .. key .. "?consistent") end,
      plain = function(key) return wrk.format("GET", "/v1/kv/" .. key) end,
      ["local"] = function(key) return wrk.format("GET", "/v1/kv/" .. key .. "?stale") end,
   },
}
-- What a client gets that asks for nothing special: of etcd's two, a quorum's word and the member's own.
dialects.v3.plain, dialects.v2.plain = dialects.v3.read, dialects.v2["local"]

local make, keys, count
local sent, answered = 0, 0

function init(arguments)
   make = dialects[arguments[1]][arguments[2]]
   keys, count = tonumber(arguments[3]), tonumber(arguments[4])
   value = string.rep("v", tonumber(arguments[5] or 256))
   encoded = base64(value)
   if count then
      response = function()
         answered = answered + 1
         -- wrk itself ends only when its time is up or when it is interrupted: it is the shell's parent. Not by
         -- os.execute, during which a process is deaf to interrupts.
         if answered == count then io.popen("kill -INT $PPID"):close() end
      end
   end
end

function request()
   local key = string.format("k%08d", sent % keys)
   sent = sent + 1
   return make(key)
end

function done(summary, latency)
   local errors = summary.errors
   local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
   io.write(string.format(
      "figures %.0f %.2f %.2f %d %d\n", (summary.requests - errors.status) / summary.duration * 1e6,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.requests, failed))
end
