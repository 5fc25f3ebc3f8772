import { type Environment, systemEnvironment } from 'crewlog'

/** An environment whose clocks run so many times as fast: for what takes time over real servers, which know no other time. */
export function hurriedEnvironment(times: number): Environment {
  const start = systemEnvironment.now()
  return {
    ...systemEnvironment,
    now: () => start + (systemEnvironment.now() - start) * times,
    monotonic: () => systemEnvironment.monotonic() * times,
    setTimer: (run, ms, isBackground) => systemEnvironment.setTimer(run, ms / times, isBackground),
  }
}
