import type { MuxServer } from '../mux/server.ts'
import type { VirtualPhone } from '../phone.ts'
import type { Cable } from './commands.ts'

/**
 * The cable between a phone and a mux server that it is attached to. A phone that restarts leaves it for a moment, and comes
 * back as another device. Disposing stops following restarts; the phone stays as it is.
 */
export function openCable(phone: VirtualPhone, server: Pick<MuxServer, 'attach' | 'detach'>): Cable & Disposable {
  let isPlugged = true
  const plugIn = () => {
    if (!isPlugged) server.attach(phone)
    isPlugged = true
  }
  const unplug = () => {
    server.detach(phone)
    isPlugged = false
  }
  const stop = phone.events.add((event) => {
    if (event.kind !== 'power' || event.what !== 'restart' || !isPlugged) return
    unplug()
    plugIn()
  })
  return {
    get isPlugged() {
      return isPlugged
    },
    plugIn,
    unplug,
    [Symbol.dispose]: stop,
  }
}
