export const logError = (error: unknown): void => {
  console.error('crewlog:', error)
}

/** Where errors and warnings end: one who hears of them and fails must not hurt what told of them. */
export const contained =
  <T = unknown>(hear: (told: T) => unknown): ((told: T) => void) =>
  (told) => {
    try {
      const answer = hear(told)
      if (answer instanceof Promise) answer.catch(logError)
    } catch (failure) {
      logError(failure)
    }
  }
