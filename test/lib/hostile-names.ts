/** URLs whose host is a name, with what the test resolver answers for it: all are refused once the answers are known. */

export interface HostileName {
  readonly url: string
  readonly answers: readonly string[]
  readonly rule: 'special_address' | 'no_address'
  readonly range?: string
}

function special(range: string, url: string, ...answers: readonly string[]): HostileName {
  return { url, answers, rule: 'special_address', range }
}

function unusable(url: string, ...answers: readonly string[]): HostileName {
  return { url, answers, rule: 'no_address' }
}

const publicIpv4 = '93.184.215.14'
const publicIpv6 = '2606:2800:21f:cb07:6820:80da:af6b:8b2c'

/** Every one of them parses, and is admitted until its addresses are known. */
export const hostileNames: readonly HostileName[] = [
  special('Loopback', 'http://127.0.0.1.nip.io/', '127.0.0.1'),
  special('Loopback', 'http://7f000001.nip.io/', '127.0.0.1'),
  special('Loopback', 'http://app-127-0-0-1.nip.io:8080/', '127.0.0.1'),
  special('Private-Use', 'http://10.0.0.1.nip.io/', '10.0.0.1'),
  special('Private-Use', 'https://www.192-168-1-1.sslip.io/', '192.168.1.1'),
  special('Loopback Address', 'http://--1.sslip.io/', '::1'),
  special('Link Local', 'http://169-254-169-254.sslip.io/latest/meta-data/', '169.254.169.254'),
  special('Loopback', 'http://127.0.0.1.xip.io/', '127.0.0.1'),
  special('Loopback', 'http://localtest.me/', '127.0.0.1', '::1'),
  special('Loopback', 'http://lvh.me:3000/', '127.0.0.1'),
  special('Loopback', 'http://vcap.me/', '127.0.0.1'),
  special('Loopback', 'http://spoofed.burpcollaborator.net/', '127.0.0.1'),
  special('Loopback', 'http://make-127.0.0.1-rr.1u.ms/', '127.0.0.1'),
  special('Loopback', 'http://7f000001.c0a80001.rbndr.us/', '127.0.0.1'),
  special('This host on this network', 'http://0.0.0.0.nip.io/', '0.0.0.0'),

  special('Link Local', 'http://metadata.google.internal/computeMetadata/v1/', '169.254.169.254'),
  special('Link Local', 'http://metadata.google.internal./computeMetadata/v1/', '169.254.169.254'),
  special('Link Local', 'http://METADATA.Google.INTERNAL/', '169.254.169.254'),
  special('Link Local', 'http://metadata/computeMetadata/v1/', '169.254.169.254'),
  special('Link Local', 'http://metadata.goog/', '169.254.169.254'),
  special('Link Local', 'http://instance-data/latest/meta-data/', '169.254.169.254'),
  special('Link Local', 'http://instance-data.ec2.internal/', '169.254.169.254'),
  special('Link Local', 'http://metadata.tencentyun.com/latest/', '169.254.0.23'),
  special('Link Local', 'http://api.metadata.cloud.ibm.com/', '169.254.169.254'),
  special('Link Local', 'http://rancher-metadata/latest/', '169.254.169.250'),
  special('Shared Address Space', 'http://metadata.aliyun.test/', '100.100.100.200'),
  special('Azure platform', 'http://wireserver.azure.test/', '168.63.129.16'),
  special('Unique-Local', 'http://imds-ipv6.test/', 'fd00:ec2::254'),

  special('Private-Use', 'https://kubernetes.default.svc/api/v1/secrets', '10.96.0.1'),
  special('Private-Use', 'https://kubernetes/', '10.96.0.1'),
  special('Private-Use', 'http://consul.service.consul:8500/v1/kv/', '10.1.2.3'),
  special('Private-Use', 'http://host.docker.internal:2375/', '192.168.65.254'),
  special('Private-Use', 'http://gateway.docker.internal/', '192.168.65.1'),
  special('Private-Use', 'http://router.local/', '192.168.1.1'),
  special('Private-Use', 'http://nas.home.arpa/', '192.168.1.20'),
  special('Private-Use', 'http://redis:6379/', '172.18.0.4'),
  special('Private-Use', 'http://my_service.corp.test/', '172.16.4.4'),
  special('Loopback Address', 'http://ip6-localhost/', '::1'),
  special('Loopback', 'http://localhost.localdomain/', '127.0.0.1'),
  special('Loopback', 'http://localhost.example.com/', '127.0.0.1'),
  special('Link-Local Unicast', 'http://printer.local/', 'fe80::1ff:fe23:4567:890a'),

  special('Private-Use', 'http://public-first.test/', publicIpv4, '10.0.0.1'),
  special('Private-Use', 'http://private-first.test/', '10.0.0.1', publicIpv4),
  special('Loopback', 'http://public-twice.test/', publicIpv4, '8.8.8.8', '127.0.0.1'),
  special('Loopback', 'http://in-the-middle.test/', publicIpv4, '127.0.0.1', '8.8.8.8'),
  special('Loopback Address', 'http://public-ipv4-private-ipv6.test/', publicIpv4, '::1'),
  special('Loopback', 'http://public-ipv6-private-ipv4.test/', publicIpv6, '127.0.0.1'),
  special('Unique-Local', 'http://both-ipv6.test/', publicIpv6, 'fd00::1'),
  special('Link Local', 'http://both-private.test/', '169.254.169.254', '10.0.0.1'),
  special('IPv4-mapped Address', 'http://public-then-mapped.test/', publicIpv4, '::ffff:10.0.0.1'),

  special('IPv4-mapped Address', 'http://mapped.test/', '::ffff:127.0.0.1'),
  special('IPv4-mapped Address', 'http://mapped-hex.test/', '::ffff:7f00:1'),
  special('IPv4-mapped Address', 'http://mapped-public.test/', '::ffff:8.8.8.8'),
  special('Deprecated (IPv4-compatible Address)', 'http://compatible.test/', '::127.0.0.1'),
  special('IPv4-IPv6 Translat.', 'http://nat64.test/', '64:ff9b::7f00:1'),
  special('6to4', 'http://tunnel.test/', '2002:7f00:1::1'),
  special('TEREDO', 'http://teredo.test/', '2001:0:7f00:1::'),
  special('Multicast', 'http://multicast.test/', '239.255.255.250'),
  special('Limited Broadcast', 'http://broadcast.test/', '255.255.255.255'),
  special('Unspecified Address', 'http://unspecified.test/', '::'),

  special('Loopback', 'http://bücher-intern.test/', '127.0.0.1'),
  special('Loopback', 'http://xn--bcher-intern-dlb.test/', '127.0.0.1'),
  special('Loopback', 'http://ｉｎｔｅｒｎ.test/', '127.0.0.1'),
  special('Loopback', 'http://ⓘⓝⓣⓔⓡⓝ.test/', '127.0.0.1'),
  special('Loopback', 'http://intern。test/', '127.0.0.1'),
  special('Loopback', 'http://INTERN.TEST./', '127.0.0.1'),
  special('Loopback', 'http://%69ntern.test/', '127.0.0.1'),
  special('Loopback', 'http://in\u00adtern.test/', '127.0.0.1'),
  special('Loopback', 'http://1e3/', '127.0.0.1'),
  special('Loopback', 'http://0b1111111/', '127.0.0.1'),
  special('Loopback', 'http://127-0-0-1.test/', '127.0.0.1'),
  special('Loopback', 'http://unix:80/var/run/docker.sock', '127.0.0.1'),

  unusable('http://nothing.test/'),
  unusable('http://zone.test/', 'fe80::1%eth0'),
  unusable('http://zone-loopback.test/', '::1%1'),
  unusable('http://name-as-answer.test/', 'localhost'),
  unusable('http://decimal-answer.test/', '2130706433'),
  unusable('http://octal-answer.test/', '0177.0.0.1'),
  unusable('http://leading-zero-answer.test/', '08.8.8.8'),
  unusable('http://short-answer.test/', '127.1'),
  unusable('http://port-in-answer.test/', '8.8.8.8:80'),
  unusable('http://brackets-in-answer.test/', '[2606:4700::1111]'),
  unusable('http://space-in-answer.test/', ' 8.8.8.8'),
  unusable('http://dot-in-answer.test/', '8.8.8.8.'),
  unusable('http://empty-answer.test/', ''),
  unusable('http://garbage.test/', 'garbage'),
  unusable('http://public-then-garbage.test/', publicIpv4, 'garbage'),
  unusable('http://url-as-answer.test/', 'http://8.8.8.8/'),
  unusable('http://range-as-answer.test/', '8.8.8.0/24'),
]
