/** Arguments and options that many commands share, as commander takes them. */

export const UDID = ['[udid]', 'the phone; not needed when only one is connected'] as const
export const JSON_OUTPUT = ['--json', 'print the result as JSON'] as const
