import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Request {
  readonly method: string
  readonly key: string
  readonly body: string
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
}

/** An object store in this process, for tests: PUT, GET and DELETE, with the conditions that S3 knows. */
export async function startObjectStore(): Promise<{ readonly url: string; readonly server: Server }> {
  const objects = new Map<string, { readonly body: string; readonly etag: string }>()
  const answer = ({ method, key, body, ifMatch, ifNoneMatch }: Request): [number, string?, string?] => {
    const found = objects.get(key)
    if (method === 'GET') return found ? [200, found.body, found.etag] : [404]
    if (method === 'DELETE') return objects.delete(key) ? [204] : [404]
    if (ifNoneMatch === '*' && found) return [412]
    if (ifMatch !== undefined && found?.etag !== ifMatch) return [found ? 412 : 404]
    const etag = `"${createHash('md5').update(body).digest('hex')}"`
    objects.set(key, { body, etag })
    return [200, '', etag]
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: key = '', headers } = request
      const body = Buffer.concat(chunks).toString()
      const given = { method, key, body, ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] }
      const [status, text = '', etag = ''] = answer(given)
      response.writeHead(status, { etag }).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`, server }
}
