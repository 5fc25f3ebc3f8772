import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Periods, periodsBetween } from '../../../src/reports/figures/calendar.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (iso: string): number => Date.parse(iso)
const edges = ({ edges }: Periods): readonly string[] => edges.map((edge) => new Date(edge).toISOString().slice(0, 16))
const hours = ({ edges }: Periods): readonly number[] =>
  edges.slice(1).map((edge, index) => (edge - edges[index]!) / HOUR)

describe('Periods', () => {
  it('are days of UTC, the first and the last cut by the window', () => {
    const days = periodsBetween(at('2026-03-01T12:00:00Z'), at('2026-03-04T06:00:00Z'), 'day')
    expect(edges(days)).toEqual([
      '2026-03-01T12:00',
      '2026-03-02T00:00',
      '2026-03-03T00:00',
      '2026-03-04T00:00',
      '2026-03-04T06:00',
    ])
  })

  it('are minutes and seconds, too, from the one in which the time begins', () => {
    const minutes = periodsBetween(at('2026-03-01T23:58:30Z'), at('2026-03-02T00:01:00Z'), 'minute')
    expect(edges(minutes)).toEqual(['2026-03-01T23:58', '2026-03-01T23:59', '2026-03-02T00:00', '2026-03-02T00:01'])
    expect(minutes.edges[0]).toBe(at('2026-03-01T23:58:30Z'))
    const seconds = periodsBetween(at('2026-03-01T12:00:00.500Z'), at('2026-03-01T12:00:03Z'), 'second')
    expect(hours(seconds).map((length) => length * 3600)).toEqual([0.5, 1, 1])
    expect([0, 1, 2].map((index) => seconds.name(index))).toEqual([
      '2026-03-01 12:00:00',
      '2026-03-01 12:00:01',
      '2026-03-01 12:00:02',
    ])
  })

  it('are weeks that begin on Monday', () => {
    // The first of January 2026 is a Thursday; weeks before 1970 begin on Monday, too.
    const weeks = periodsBetween(at('2026-01-01T00:00:00Z'), at('2026-01-13T00:00:00Z'), 'week')
    expect(edges(weeks)).toEqual(['2026-01-01T00:00', '2026-01-05T00:00', '2026-01-12T00:00', '2026-01-13T00:00'])
    const old = periodsBetween(at('1969-12-21T00:00:00Z'), at('1969-12-30T00:00:00Z'), 'week')
    expect(edges(old)).toEqual(['1969-12-21T00:00', '1969-12-22T00:00', '1969-12-29T00:00', '1969-12-30T00:00'])
  })

  it('are days of 23 and 25 hours where clocks are put forward and back', () => {
    const spring = periodsBetween(at('2026-03-27T23:00:00Z'), at('2026-03-30T22:00:00Z'), 'day', 'Europe/Berlin')
    expect(hours(spring)).toEqual([24, 23, 24])
    const autumn = periodsBetween(at('2026-10-23T22:00:00Z'), at('2026-10-26T23:00:00Z'), 'day', 'Europe/Berlin')
    expect(hours(autumn)).toEqual([24, 25, 24])
    expect(periodsBetween(at('2026-10-24T22:00:00Z'), at('2026-10-25T23:00:00Z'), 'hour', 'Europe/Berlin').count).toBe(
      25,
    )
  })

  it('begin with the first moment of a day that has no midnight', () => {
    // In São Paulo clocks went from 2018-11-03 24:00 to 01:00.
    const days = periodsBetween(at('2018-11-03T03:00:00Z'), at('2018-11-06T02:00:00Z'), 'day', 'America/Sao_Paulo')
    expect(edges(days)).toEqual(['2018-11-03T03:00', '2018-11-04T03:00', '2018-11-05T02:00', '2018-11-06T02:00'])
  })

  it('leave out a day that never was', () => {
    // Samoa went over the date line: no 30 December 2011 there.
    const days = periodsBetween(at('2011-12-29T10:00:00Z'), at('2012-01-01T10:00:00Z'), 'day', 'Pacific/Apia')
    expect(edges(days)).toEqual(['2011-12-29T10:00', '2011-12-30T10:00', '2011-12-31T10:00', '2012-01-01T10:00'])
  })

  it('are hours from midnight where a zone is half an hour off', () => {
    const hourly = periodsBetween(at('2026-01-01T00:00:00Z'), at('2026-01-01T02:00:00Z'), 'hour', 'Asia/Kolkata')
    expect(edges(hourly)).toEqual(['2026-01-01T00:00', '2026-01-01T00:30', '2026-01-01T01:30', '2026-01-01T02:00'])
  })

  it('of no time are none', () => {
    expect(periodsBetween(5, 5, 'day').count).toBe(0)
    expect(periodsBetween(5, 4, 'hour').of(5)).toBe(0)
  })

  it('are refused when there are too many, or no such zone', () => {
    expect(() => periodsBetween(0, 100_001 * HOUR, 'hour')).toThrow(expect.objectContaining({ code: 'limit_exceeded' }))
    expect(periodsBetween(0, 100_000 * HOUR, 'hour').count).toBe(100_000)
    expect(() => periodsBetween(0, DAY, 'day', 'Middle/Earth')).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringContaining('Europe/Berlin') as string }),
    )
  })

  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo')
  const moment = fc.integer({ min: at('2015-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') })

  it('follow each other without a gap, and every moment is in the one that it is between the edges of', () => {
    fc.assert(
      fc.property(
        moment,
        fc.integer({ min: 1, max: 60 * DAY }),
        fc.constantFrom('hour', 'day', 'week'),
        zone,
        fc.double({ min: -0.1, max: 1.1, noNaN: true }),
        (from, ms, unit, timeZone, share) => {
          const periods = periodsBetween(from, from + ms, unit, timeZone)
          expect(periods.start(0)).toBe(from)
          expect(periods.end(periods.count - 1)).toBe(from + ms)
          expect(periods.edges.every((edge, index) => index === 0 || edge > periods.edges[index - 1]!)).toBe(true)
          const time = Math.floor(from + ms * share)
          expect(periods.of(time)).toBe(time < from ? -1 : periods.edges.filter((edge) => edge <= time).length - 1)
        },
      ),
    )
  })

  it('are the days that the calendar of the zone says', () => {
    fc.assert(
      fc.property(moment, fc.integer({ min: 1, max: 20 * DAY }), zone, (from, ms, timeZone) => {
        const format = new Intl.DateTimeFormat('en-CA', { timeZone })
        const { edges } = periodsBetween(from, from + ms, 'day', timeZone)
        for (const [index, edge] of edges.entries()) {
          const next = edges[index + 1]
          if (next !== undefined) expect(format.format(next - 1)).toBe(format.format(edge))
          if (index > 0 && next !== undefined) expect(format.format(edge - 1)).not.toBe(format.format(edge))
        }
      }),
    )
  })
})
