-- What the log's scripts share. KEYS begin with: generation, head, log.

-- Where the log ends.
local function position() return GENERATION, tonumber(redis.call('GET', KEYS[2])) end

-- Writes an entry; `born` is the generation in which it was written first, and stays the last field. `trace` may be nil.
local function append(sequence, at, form, source, kind, id, prior, post, born, trace)
  if trace then
    redis.call('XADD', KEYS[3], sequence .. '-0', 'at', at, 'form', form, 'source', source, 'kind', kind, 'id', id,
      'prior', prior, 'post', post, 'trace', trace, 'born', born)
    return
  end
  redis.call('XADD', KEYS[3], sequence .. '-0', 'at', at, 'form', form, 'source', source, 'kind', kind, 'id', id,
    'prior', prior, 'post', post, 'born', born)
end
