import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  type MsgRequest,
  type PurgeOpts,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import type { Check } from '../../core/abortable.js'
import { type Off, systemEnvironment } from '../../core/environment.js'
import { CrewError, invalid } from '../../core/errors.js'
import { Breaks } from './breaks.js'
import type { StreamName } from './names.js'
import { isUnanswered, refusal } from './refusal.js'

/** As `connect` of a transport answers it. */
export type NatsConnection = Parameters<typeof jetstream>[0]

/** After which a request counts as unanswered. */
const REQUEST_MS = 5000
/**
 * After which what is unanswered is asked once more, and how often: servers of a cluster that choose a leader, which
 * takes up to 9 s, answer nothing that was asked meanwhile.
 */
const AGAIN_MS = 2000
const MOST_ASKED = 5
/** What a message has besides its text: which stream and which number it expects. */
const HEADER_BYTES = 1024
/** Between two looks whether the servers of a stream have chosen their leader, which takes some tenths of a second. */
const LEADER_MS = 50
const USUAL_BYTES = 1024 * 1024

const STREAM_NOT_FOUND = 10059
const NAME_IN_USE = 10058
const WRONG_LAST: readonly unknown[] = [10071, 10164]

/** A message as it is stored: at which number of the stream, which the server counts. */
export interface Stored {
  readonly at: number
  readonly text: string
}

export interface StreamsOptions {
  readonly replicas?: number
  readonly domain?: string
}

/** JetStream, as far as journals go; what it refuses is a `CrewError`. The leader of a stream answers everything. */
export class NatsStreams {
  readonly connection: NatsConnection
  /** Of a text: what the server takes in one message. */
  readonly maxBytes: number

  readonly #client: JetStreamClient
  readonly #breaks: Breaks
  readonly #replicas: number
  #manager: Promise<JetStreamManager> | undefined

  constructor(connection: NatsConnection, { replicas = 1, domain }: StreamsOptions) {
    this.connection = connection
    this.maxBytes = (connection.info?.max_payload ?? USUAL_BYTES) - HEADER_BYTES
    this.#client = jetstream(connection, { timeout: REQUEST_MS, ...(domain !== undefined && { domain }) })
    this.#breaks = Breaks.of(connection)
    this.#replicas = replicas
  }

  /**
   * What the stream is set to; makes it if it is missing, and waits until it has a leader, as nobody else answers. Rejects with `invalid_input` where it is set so that it would
   * lose what it keeps, and `unsupported_version`.
   */
  async ensure(name: StreamName, check: Check): Promise<StreamConfig> {
    for (;;) {
      const { config, cluster } = (await this.info(name.stream)) ?? (await this.#add(name))
      refuseUnsafe(config, name)
      if (!cluster || cluster.leader) return config
      await new Promise<void>((resolve) => systemEnvironment.setTimer(resolve, LEADER_MS))
      check()
    }
  }

  /** Undefined when there is no such stream. `subjects` says how many messages of which of them to count. */
  async info(stream: string, subjects?: string): Promise<StreamInfo | undefined> {
    const filter = subjects === undefined ? undefined : { subjects_filter: subjects }
    return await this.#ask(stream, (manager) => manager.streams.info(stream, filter))
  }

  /** Null when there is no such message, undefined when there is no such stream. */
  async get(stream: string, query: MsgRequest): Promise<Stored | null | undefined> {
    return await this.#ask(stream, async (manager) => {
      const found = await manager.streams.getMessage(stream, query)
      return found && { at: found.seq, text: found.string() }
    })
  }

  /** Forgets messages. */
  async purge(stream: string, what: PurgeOpts): Promise<void> {
    await this.#ask(stream, (manager) => manager.streams.purge(stream, what))
  }

  /** At which number it is stored; undefined when the last one is not as expected. */
  async publish(
    stream: string,
    subject: string,
    text: string,
    expect: { readonly lastSequence?: number; readonly lastSubjectSequence?: number },
  ): Promise<number | undefined> {
    try {
      const published = this.#client.publish(subject, text, { expect: { streamName: stream, ...expect } })
      return (await this.#breaks.unless(published)).seq
    } catch (error) {
      if (error instanceof JetStreamApiError && WRONG_LAST.includes(error.code)) return undefined
      throw refusal(error, stream)
    }
  }

  async #add({ stream, subjects, isSmall }: StreamName): Promise<StreamInfo> {
    const config = {
      name: stream,
      subjects: [...subjects],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      num_replicas: this.#replicas,
      ...(isSmall && { max_msgs_per_subject: 1 }),
    }
    const made = await this.#ask(stream, async (manager) => {
      try {
        return await manager.streams.add(config)
      } catch (error) {
        // Somebody else was first, with other settings.
        if (error instanceof JetStreamApiError && error.code === NAME_IN_USE) return await manager.streams.info(stream)
        throw error
      }
    })
    if (made) return made
    throw new CrewError('storage_unavailable', `Stream ${stream} was removed while it was made; try again`)
  }

  /** What may be asked twice. Undefined when there is no such stream. */
  async #ask<T>(stream: string, request: (manager: JetStreamManager) => Promise<T>): Promise<T | undefined> {
    this.#manager ??= this.#client.jetstreamManager(false)
    const manager = await this.#manager
    try {
      return await insistently(() => this.#breaks.unless(request(manager)))
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined
      throw refusal(error, stream)
    }
  }
}

/** The first answer to what is asked again while there is none. */
function insistently<T>(ask: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let again: Off = () => undefined
    const send = (asked: number): void => {
      const isLast = asked === MOST_ASKED
      if (!isLast)
        again = systemEnvironment.setTimer(
          () => {
            send(asked + 1)
          },
          AGAIN_MS,
          true,
        )
      ask().then(
        (answer) => {
          again()
          resolve(answer)
        },
        (error: unknown) => {
          if (!isLast && isUnanswered(error)) return
          again()
          reject(error)
        },
      )
    }
    send(1)
  })
}

function refuseUnsafe(config: StreamConfig, { stream, subjects, isSmall }: StreamName): void {
  const refuse = (what: string): never => {
    throw invalid(`Stream ${stream} ${what}, so a journal cannot be kept in it; change that, or choose another prefix`)
  }
  if (config.subjects.join() !== subjects.join()) {
    const newer = config.subjects.find((subject) => /\.(commits|checkpoints)\.\d+$/.test(subject))
    if (newer !== undefined && newer !== subjects[0])
      throw new CrewError('unsupported_version', `Stream ${stream} is of a newer release; update crewlog`, {
        where: stream,
      })
    refuse(`takes ${config.subjects.join(' and ') || 'no subject'}, not ${subjects.join(' and ')} alone`)
  }
  if (config.max_age > 0) refuse('forgets by age (max_age)')
  if (config.retention !== RetentionPolicy.Limits) refuse(`forgets what was read (retention ${config.retention})`)
  if (config.discard !== DiscardPolicy.New && (config.max_msgs > 0 || config.max_bytes > 0))
    refuse('forgets the oldest when it is full (max_msgs or max_bytes with discard old)')
  if (config.max_msgs_per_subject > 0 && !isSmall) refuse('keeps few messages of a subject (max_msgs_per_subject)')
  if (config.no_ack) refuse('acknowledges nothing (no_ack)')
  if (config.mirror ?? config.sources?.length) refuse('is fed by another one (mirror or sources)')
  if (config.sealed || config.deny_purge) refuse('cannot be trimmed (sealed or deny_purge)')
}
