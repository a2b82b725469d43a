"""What is done to a customer's answers in Redis in one step, as small Lua scripts.

They are sent whole (EVAL, some 200 bytes): a server that restarted knows no digest. Each touches
one key, so that they run on a Redis Cluster, and uses nothing newer than Redis 5.
"""

from __future__ import annotations

# Revision, answer's field, value, life of the hash in ms, most fields, the claim's field.
WRITE = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'rev') or '-1')
local asked = tonumber(ARGV[1])
if stored > asked then return 0 end
local full = redis.call('HLEN', KEYS[1]) > tonumber(ARGV[5])
if stored < asked or (full and redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0) then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'rev', ARGV[1])
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('HDEL', KEYS[1], ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
# Revision, life of the hash in ms.
FORGET = """
if tonumber(redis.call('HGET', KEYS[1], 'rev') or '-1') < tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'rev', ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
# Revision, life in ms.
RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '-1') > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
# The claim's field, now and its end in seconds, least life of the hash in ms.
CLAIM = """
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
"""
