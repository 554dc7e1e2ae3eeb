/** A host as sockets take it: that of a URL, without the brackets around an IPv6 address. */
export const bareHost = (host: string): string => host.replace(/^\[|\]$/g, '')
