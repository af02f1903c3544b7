#pragma once

#include <string_view>

// Certificates and keys of the policy corpus, for inputs made up by tests.
namespace vallum::testing {

inline constexpr std::string_view kLeafWithNames =
    "-----BEGIN CERTIFICATE-----\nMIIBxDCCAWqgAwIBAgIUVAI2p9rt9VcpM072wK43x3"
    "VO7UgwCgYIKoZIzj0EAwIw\nGzEZMBcGA1UEAwwQQ29ycHVzIENsaWVudCBDQTAeFw0yNTA"
    "xMDEwMDAwMDBaFw00\nNTAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCW11bHRpLXNhbjBZMBMG"
    "ByqGSM49AgEG\nCCqGSM49AwEHA0IABEi66t0rAxATrZxDew8iXnKo/5S1bdqEuyati+tup"
    "Ab3bqGp\n3F6l6fRuU3TZqOq00QZ12adyNpZtUTFQ+IRO08yjgZIwgY8wgYwGA1UdEQSBhD"
    "CB\ngYEPYm9iQGV4YW1wbGUuY29tgRFib2JAb3RoZXIuZXhhbXBsZYISYS5jb3JwLmV4\nYW"
    "1wbGUuY29tghFiLmxhYi5leGFtcGxlLm5ldIYYc3BpZmZlOi8vZXhhbXBsZS5j\nb20vYm9"
    "ihhpodHRwczovL2lkLmV4YW1wbGUuY29tL2JvYjAKBggqhkjOPQQDAgNI\nADBFAiEA7Izk"
    "kPYNAXZ1F5Zb/sX5+evH/SScML7Edy7sbZKzv+YCIF/wRzJo5FQ9\noa55RD6Zxes+i+nkc"
    "k/WvgYf2eT8io+m\n-----END CERTIFICATE-----\n";

inline constexpr std::string_view kPlainKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE+0qBckzBiZcMjJog7G4sSD0qYPfvH5il"
    "JYTIeRZzhD ed1@corpus";

inline constexpr std::string_view kUserCertificate =
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZ"
    "W5zc2guY29tAAAAIJ+8ssLxUFHOalErhcmgs26T45sIy/JekiNLGHXGtpU5AAAAIE+0qBc"
    "kzBiZcMjJog7G4sSD0qYPfvH5ilJYTIeRZzhDAAAAAAAAAAAAAAABAAAABWNlcnQxAAAAE"
    "wAAAAZ1YnVudHUAAAAFYWxpY2UAAAAAXgvhAAAAAACDqn6AAAAAAAAAAIIAAAAVcGVybWl"
    "0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAA"
    "AAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGV"
    "ybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgwvcZ270tW5s/h"
    "ARHjVg/nVHGosuph2/xc9VYzTCm9gQAAABTAAAAC3NzaC1lZDI1NTE5AAAAQPs0InqvQzl"
    "hNI2DEXckjgv7L33vsoaXSdfWrvoyT0i7BVNNRnEo4K7yJToKTphgWuf99korXR38INn32"
    "SguKAo= ed1@corpus";

inline constexpr std::string_view kCertificateFromAnywhereButHere =
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZ"
    "W5zc2guY29tAAAAIEyDWHoIBrx4GSb2CpFcnaMnQ0tB2vudDBKNm7Ysa3zkAAAAIE+0qBc"
    "kzBiZcMjJog7G4sSD0qYPfvH5ilJYTIeRZzhDAAAAAAAAAAAAAAABAAAAB3NyY2FkZHIAA"
    "AAKAAAABnVidW50dQAAAABeC+EAAAAAAIOqfoAAAAAkAAAADnNvdXJjZS1hZGRyZXNzAAA"
    "ADgAAAAoxMC4wLjAuMC84AAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF"
    "3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5"
    "nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAM"
    "wAAAAtzc2gtZWQyNTUxOQAAACDC9xnbvS1bmz+EBEeNWD+dUcaiy6mHb/Fz1VjNMKb2BAA"
    "AAFMAAAALc3NoLWVkMjU1MTkAAABAIHaOYm68AWr7+eB7/dYa8p8b7kUgPMqqvpS79/RPi"
    "PSrRW/8Ub/tCgX7kNlJxB6Hj0seVZrOLpmE9vdXeSpOCA== ed1@corpus";

inline constexpr std::string_view kCertificateWithoutPrincipals =
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZ"
    "W5zc2guY29tAAAAINgsD6ok9bEVg9C49dR6ofQlk922fErNvo56XBgalVjYAAAAIE+0qBc"
    "kzBiZcMjJog7G4sSD0qYPfvH5ilJYTIeRZzhDAAAAAAAAAAAAAAABAAAAB25vcHJpbmMAA"
    "AAAAAAAAF4L4QAAAAAAg6p+gAAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwA"
    "AAAAAAAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvc"
    "ndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAADnBlcm1pdC11c2VyLXJjAAAAAAA"
    "AAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIML3Gdu9LVubP4QER41YP51RxqLLqYdv8XPVW"
    "M0wpvYEAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEDk10H8L+W25d9D8AqobyRV2F20nbFKuzD"
    "oflvPXNHLA6cKTvlPSsKy9GoeIVH2f9rktYzLrtQZC0zB2jqbil8E ed1@corpus";

inline constexpr std::string_view kHostCertificate =
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZ"
    "W5zc2guY29tAAAAINd3VXdB0XekshpHjcN9PyZ/RONX3/ObMi6lqsXIKcBYAAAAIE+0qBc"
    "kzBiZcMjJog7G4sSD0qYPfvH5ilJYTIeRZzhDAAAAAAAAAAAAAAACAAAACGhvc3RjZXJ0A"
    "AAACgAAAAZ1YnVudHUAAAAAXgvhAAAAAACDqn6AAAAAAAAAAAAAAAAAAAAAMwAAAAtzc2g"
    "tZWQyNTUxOQAAACDC9xnbvS1bmz+EBEeNWD+dUcaiy6mHb/Fz1VjNMKb2BAAAAFMAAAALc"
    "3NoLWVkMjU1MTkAAABAkYP4BeTy4W4dMidm1BNNIjojSOlpV146XQtmfcHYjr3jBWK3xsh"
    "icrRx3sI2wh1viTWeiQl0KF4kLdFWqaDaCw== ed1@corpus";

// Signed the certificates above.
inline constexpr std::string_view kAuthorityKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIML3Gdu9LVubP4QER41YP51RxqLLqYdv8X"
    "PVWM0wpvYE ca1@corpus";

inline constexpr std::string_view kLeafFingerprint =
    "0ec65255b90387e66ecde7f0df5dfe17163b1902a179b343ef254b11b7efc00d";
inline constexpr std::string_view kLeafSpkiHash = "+6RUIdgyqv+nXOoBcW2KFntyyfgOhaTsqQ4UupPJmdU=";

}  // namespace vallum::testing
