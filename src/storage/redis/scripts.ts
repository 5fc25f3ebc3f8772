import { createHash } from 'node:crypto'

/** A script as the server keeps it: under the hash of its text. */
export interface Script {
  readonly text: string
  readonly hash: string
}

const script = (...pieces: readonly string[]): Script => {
  const text = pieces.join('\n')
  return { text, hash: createHash('sha1').update(text).digest('hex') }
}

/**
 * Lets only a primary answer, as a replica may be behind: to delete what is never there changes nothing, but a replica
 * refuses to.
 */
const asPrimary = (key: string): string => `
local asked = redis.pcall('DEL', ${key})
if type(asked) == 'table' and asked.err and string.find(asked.err, 'READONLY', 1, true) then return asked end`

/** The entries from one on: at most so many, and while there are \`least\` of them no more than so many bytes. */
const PAGE = `
local function page(key, from, limit, budget, least)
  local entries, bytes = {}, 0
  while #entries < limit do
    local entry = redis.call('XRANGE', key, from, '+', 'COUNT', 1)[1]
    if not entry then break end
    bytes = bytes + #entry[2][2]
    if bytes > budget and #entries >= least then break end
    entries[#entries + 1] = entry
    from = string.match(entry[1], '^%d+') .. '-1'
  end
  return entries
end`

/**
 * Keys: head, commits. Arguments: the head that is wanted and the one to be, number of the entry, text, channel, and how
 * many entries of how many bytes a refusal brings. Answers whether it was appended, the head, whether there are commits,
 * and what was missed.
 */
export const APPEND = script(
  PAGE,
  `
local head = redis.call('GET', KEYS[1]) or ''
local exists = redis.call('EXISTS', KEYS[2])
if head ~= ARGV[1] or (exists == 1) ~= (head ~= '') then
  return {0, head, exists, page(KEYS[2], ARGV[3], tonumber(ARGV[6]), tonumber(ARGV[7]), 0)}
end
redis.call('XADD', KEYS[2], ARGV[3], 'commit', ARGV[4])
redis.call('SET', KEYS[1], ARGV[2])
redis.pcall('PUBLISH', ARGV[5], '')
return {1, ARGV[2], 1, {}}`,
)

/**
 * Keys: head, commits, what is never there. Arguments: number of the first entry, most entries, most bytes. Answers the
 * head, whether there are commits, the entries, and the very first number when they begin later than asked.
 */
export const READ = script(
  asPrimary('KEYS[3]'),
  PAGE,
  `
local entries = page(KEYS[2], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 1)
local first = ''
if entries[1] and entries[1][1] ~= ARGV[1] then first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1][1] end
return {redis.call('GET', KEYS[1]) or '', redis.call('EXISTS', KEYS[2]), entries, first}`,
)

/** Keys: head, commits. Arguments: number, most entries. Answers the head, and whether there is more to trim. */
export const TRIM = script(`
local head = redis.call('GET', KEYS[1]) or ''
local newest = tonumber(string.match(head, '^1 (%d+) '))
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if not newest or not first then return {head, 0} end
local from = tonumber(string.match(first[1], '^%d+'))
local to = math.min(tonumber(ARGV[1]), newest - 1)
if from > to then return {head, 0} end
local keep = math.min(to + 1, from + tonumber(ARGV[2]))
redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', keep))
return {head, keep <= to and 1 or 0}`)

/** Keys: index, what is never there. */
export const INDEX = script(
  asPrimary('KEYS[2]'),
  `
return redis.call('GET', KEYS[1]) or ''`,
)

/** Keys: parts. Arguments: seconds after which it is forgotten, and the next parts. */
export const STAGE = script(`
redis.call('RPUSH', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1`)

/**
 * Keys: index, parts, the parts to let go of. Arguments: the index that is wanted and the one to be, how many parts, and
 * seconds after which what goes is forgotten. Answers 'kept', 'changed' or 'gone'.
 */
export const PUBLISH = script(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 'changed' end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[3]) then return 'gone' end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('PERSIST', KEYS[2])
for each = 3, #KEYS do redis.call('EXPIRE', KEYS[each], ARGV[4]) end
return 'kept'`)

/** Keys: parts. Arguments: place of the first part, most bytes. Answers how many there are, and the next ones. */
export const PARTS = script(`
local count, parts, bytes = redis.call('LLEN', KEYS[1]), {}, 0
for at = tonumber(ARGV[1]), count - 1 do
  local part = redis.call('LINDEX', KEYS[1], at)
  bytes = bytes + #part
  if bytes > tonumber(ARGV[2]) and #parts > 0 then break end
  parts[#parts + 1] = part
end
return {count, parts}`)

/** Keys: parts. */
export const DROP = script(`return redis.call('UNLINK', KEYS[1])`)
