#pragma once

#include <array>
#include <string_view>

#include "crypto/jose/algorithm.h"

// Keys made for these tests alone, and a token of each algorithm whose payload is "payload of" its
// name.
namespace vallum::testing {

inline constexpr std::string_view kRsaJwk =
    R"({"kty":"RSA","n":"wK-JywA7elKUusaU3IOzk0RxvS79bPtOexdEckzKroF31vTXfppwGfw2YpLN18jLH0asFuYT-CO0AfC-mkqc45WnSY198WhmXalp08hpz4FWPJgW6VZNR6waq63XuuSIpjDiPtw4sTgONAqasJCdp2S-BDOw6eUU30LQCRC32lP60E_dqmnchJ87KXAoxPk6e4HQeOFd7GtiENLMow5yAtHgjKkLp8BdaYWt-M8RpYLloYTXaARWmldbu4MOYzvyW0b3FvcGlH1PtmJNTNgMEMCO-tymfoal8lqYD6YJG-CpNNvaTMcQE3bsiqFYXyRxoXzF4XBWQ3Do_TOk_LPzrQ","e":"AQAB"})";

struct SignedToken {
  crypto::JwsAlgorithm algorithm;
  std::string_view jwk;
  std::string_view compact;
};

inline constexpr std::array<SignedToken, 10> kSignedTokens = {{
    {crypto::JwsAlgorithm::Rs256,
     kRsaJwk,
     "eyJhbGciOiJSUzI1NiJ9.cGF5bG9hZCBvZiBSUzI1Ng.A6IyVHtafYIWysW9QA4cY1QODiOJplxi4f_bwpr2Jed2Tp"
     "Sxvl6-rZEsx6jYPW8IeqOAplOJ2XWrIWh-MODNK0eEPSX5iCkFN04zMYZQB2Jz3KsnEDZ20kAU7_RdPJIHFjTb9lSo"
     "OL3mlhRyShrwV0rXW4yqBL4RcnEt4KKk14OMXEqcxp2Kh26JTdif7QY9X94idQg9YRMaj55sx1lb542w2D3F0DJ0eB"
     "SpmYxFentVPIaJN6wvar9zGX2aOitFAnMRiyOqYILAbMbl9YdT8ZvLUUaM2sE55nosGtytgwKd6q2_gonotCgV4WLV"
     "alZuW-gl-JkBv-aul2vDR0W3GQ"},
    {crypto::JwsAlgorithm::Ps256,
     kRsaJwk,
     "eyJhbGciOiJQUzI1NiJ9.cGF5bG9hZCBvZiBQUzI1Ng.FxmK34k2YeCUxxLejeSsTH9GyhElKVbEC22Wm_7z3VpxSQ"
     "IofHbawmTte7gFJWhpPJmY4ltAfWxJVFZAf1RWZvjVl5bCvmIU4KMQW4tk-OstuKQRLEmgJU8b3x_pFQ5Q6_7wJPTM"
     "OEEXIMpf_7GVhAHiDG44swi5hksdQfssdj9fI6D2OOkGa8kWKxY7LpHtg3TziBqSoEy357VxzhVKDVtA9IWG7_mop9"
     "YCWBmS_EhSgQlB1ULxNyaEak3OQBimBfDbWhdqJkl4sJfDIyPswL1A0DutpLrIILIcNkyxr81gyT5lWRKcxvaSbnYJ"
     "ukD4BurBc64yzXZs_wbJt9BtAg"},
    {crypto::JwsAlgorithm::Rs384,
     kRsaJwk,
     "eyJhbGciOiJSUzM4NCJ9.cGF5bG9hZCBvZiBSUzM4NA.tAf5x4v0XI2ckeV3piliDYyz0h5kE4Q_sKePPWlG_ywVh-"
     "aAH0DcZuLxEd5EuAVFKQEZ5VIpclhLAi6IJYJZTqaLzyuxBpvuYKZ_2dmD3YKBIlFakuPkPRApvxfelnuOBpABG7vT"
     "GmcZDDQDwEtO0lbtGLHrmqKZNBZ8wg4hHKZzMqoYwawipXvK5J7s0-NQ2OItWlIccB2yr-r10E_t-r5TCPO3mIX_YN"
     "IkHaUF_b8mBpFgB30vrEcmi6O9859YgCfjCNrqyI91GOYgqOqdN68JacD0CyB9wj2HB-RYmCJlskPpeMnYYM89g6kC"
     "kYQVNBTJdl7lmzQgtKPL30emyw"},
    {crypto::JwsAlgorithm::Ps384,
     kRsaJwk,
     "eyJhbGciOiJQUzM4NCJ9.cGF5bG9hZCBvZiBQUzM4NA.R4EBUmuO6YB2uiYd66x-MDqdidE5OYEEsDfrVZKV65AZrO"
     "ReKTtqpalG9WdIvaGhlJujyIlAVJuKsvsbssN1auQMwjjCX10zO_xLqcVa3ZiYQWBYp-c8AgCrCNTTeRLgz-pvGjgF"
     "NYwJBAFnkXuTVUdfecFiK9WSPQNquirVH-6qSJv6QV654gibtikTI7rjBHpRNxoohvVvOM6OO-M8aNFJzBKZWkcpLQ"
     "n-NoBurnKcU2yE5IoJF-qTMWQKESpnJUy5HVBnt5npFUnDQ-Z25onxy6NsQEPzn67hkhDF2RGgqBZhp6o1OYy7Kut6"
     "UIbQnSDDlTDq4o2S1gtNTX48bA"},
    {crypto::JwsAlgorithm::Rs512,
     kRsaJwk,
     "eyJhbGciOiJSUzUxMiJ9.cGF5bG9hZCBvZiBSUzUxMg.kaBuhkCUBrTL8cfpu-gzMVssjK7KD5d5CvbPOIU35FZCp2"
     "zj7AAT09dAlEO47w7LFJFy3C-AVSvDPSQe-3u9PcDn6Qme4Kspe1tuIVVRDiCT4nXVQMuS2pH6DgN1j54eDOphnTXu"
     "BVdXLAngLMClnNc89m7rwfWx3kI2PmGfJitvfpeyv5KbuZfeD1Kdkt1naZWvhZWHC5h6ysljsMFL4PppqrYjHShO3a"
     "7eYbtcVV5D-0M4OukY1RzCkVeo3At4P2xJuLkZ2z6_Vj8dbgtwMFwjG2P6jTUMCqkEZzJYPXyJp37CvEnbNfIf1Eas"
     "5lCmvKSajX-UgFnOE9dTa0vZfQ"},
    {crypto::JwsAlgorithm::Ps512,
     kRsaJwk,
     "eyJhbGciOiJQUzUxMiJ9.cGF5bG9hZCBvZiBQUzUxMg.inahlDGtiP1Mb9ZyCim6GdtNrK6IKt_wPI_Kxtu8Gl_cHf"
     "S7iw_tOeDtrVGjFgyC0VCxWSSJyI5aSZ3n_IOaUAFXr7LJgSAclHtDboWrxoT30JUG9b2_NfQzIOqL1fosaso6YYba"
     "0BgHrVCr2imbvJTyYRi78i-ncDbT7Xa6Rpc2uv_2gtN1wuhzcuSc7v1-OH-OwWQZaxDr8r6kRDMogV6OcVkPMl3yTU"
     "kB8CYEs6Z7jarS76m80fns0ZPS54j8q3QO_-CZPppT9eVDkz5DJyPQa0VS89ir7DU0h3GkLNcdTVkTmaJYsUrYxNsU"
     "SnZ-OkzDGYUwk3zcLxemgqrNWA"},
    {crypto::JwsAlgorithm::Es256,
     R"({"kty":"EC","crv":"P-256","x":"5fuFFac4Pgkoiv1Po320O_VNeuNstGbGG2uxwyMzWQc","y":"TgKLOIaOCLM_8n9TtGMfcALYZaRYPiYuZUFN7nrP_cU"})",
     "eyJhbGciOiJFUzI1NiJ9.cGF5bG9hZCBvZiBFUzI1Ng.-1muY9UAmuGT8VjFPJdo_Bkcx8gLTQSJeFRPMC0QHybDqz"
     "y58hUDyOH2Srz38GSTKe3oVTVwC5xIOK79D_ovhw"},
    {crypto::JwsAlgorithm::Es384,
     R"({"kty":"EC","crv":"P-384","x":"2QfUehg_n9JJSSLkS0QViJ0xfn6uerDtAGuT3ncLXP-l8EemCojv1-PCFyxOoyji","y":"YnwZty3ZwRekfi0-rw-T91J_vyKrH0y8gOi3kjXL1Gp1ip_uI7hBUc3C4popmfe6"})",
     "eyJhbGciOiJFUzM4NCJ9.cGF5bG9hZCBvZiBFUzM4NA.rkRXjUfY-May3-xk-ykjbESitRV3_DyZg8cNdf53BPmyNH"
     "1dmHQC6DDSMZ2EufintaryzwbY_Zlu6XLuvXIDCoEANkouPULapEe7OksE3Pl0i7QzsozmZSBZmWjrXPZ5"},
    {crypto::JwsAlgorithm::Es512,
     R"({"kty":"EC","crv":"P-521","x":"ADJulnhp4Psjcr2d_fgrZdo9iVC9qWDK6VimIhymH5EMv_Q6oOEKoD7qrK-S0Qtv4xhR0ncXyXs3ScHQfIAQTooh","y":"AS9032LXDYFMaR0Wfug8bepRzHjC7fyXdAKL7S0I5d7ntWVR1KY4v5U66EbeJk8vGCvb_WLVzVKi5WmXmJ1WVTfe"})",
     "eyJhbGciOiJFUzUxMiJ9.cGF5bG9hZCBvZiBFUzUxMg.AUFYB-Gr8H3Bd97NGPs203DY5-O8NWjrf-QixHx93pjZ9x"
     "smRkkfk2g4WPgns3cx0xgh-VTEscpMqdWxj8pmUIpZAZuSvTscmrw91drbqLACeXiaV_soOlf1STRIIjbOM1Nl5v9R"
     "vhd9_LrM5hVGm5qr0n3yoYi7ArzWz9I61Aw-1p9Y"},
    {crypto::JwsAlgorithm::EdDsa,
     R"({"kty":"OKP","crv":"Ed25519","x":"g2MddnRNUUl7pT4xZlEMu8x7mo8reavY3g-1AiNbwHc"})",
     "eyJhbGciOiJFZERTQSJ9.cGF5bG9hZCBvZiBFZERTQQ.YlA9SmOtCTl8QPX3G34IrgU3Iz6mMaHNkE_a1pjAQt9vby"
     "5Bfpfi6_6_OjCinzmyoA3Pa9_geAU_3qS4VBU5Cw"},
}};

// Signed by the key of kRsaJwk with PS256 and a salt of 20 bytes, where RFC 7518 3.5 wants 32.
inline constexpr std::string_view kPs256WithShortSalt =
    "eyJhbGciOiJQUzI1NiJ9.eA.NazxnBLp4IXbX9NIGTq6eX8OyzLFWtPQfTRVlrHe_7GyfFi-qDPl7MVng0PKjArtVP"
    "PyovfAfljpJYFwcortWgcP2QI_vdfCgywQGCwh0nTJuctLwAAg5bHM4oQ_Wqi0xppsvudSdHrLXrrRChyMvyWfKdCV"
    "1zbcS04tbb4AXRD6BAwqr9PvBxklGbDOWzJTYUatYpFpPpIPCe8pnuT4G61wQT5AFmEw-yfHDesdaUa79TakVMH9nn"
    "vuElOVokByYRoZen3vPYdv69mnsJKOQ0zji_6EiWiH8hoayPjbFDGBHoNY28ZXBLI5bM8GPNI5riv0g9freHzKz3E6"
    "EyIMXA";

inline constexpr std::string_view kRsa1024Jwk =
    R"({"kty":"RSA","n":"ypcHW34DvpVuFdPeZ4ZBW3polNJHOJBPhwz80MPDyqHt4Yp7MAYacqCa6NsA6VLM8uktZ6G8IYoe2GJJjyGaNOMXjZF43MvFSB3OdZSHKKfApcECYBL0HnN0y_jaKARspeDnmcMZ_nUkmrHWdECJStMWSEmRReqGhIGQjEvgO2k","e":"AQAB"})";

inline constexpr std::string_view kRsaPem = R"(-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEAwK+JywA7elKUusaU3IOzk0RxvS79bPtOexdEckzKroF31vTX
fppwGfw2YpLN18jLH0asFuYT+CO0AfC+mkqc45WnSY198WhmXalp08hpz4FWPJgW
6VZNR6waq63XuuSIpjDiPtw4sTgONAqasJCdp2S+BDOw6eUU30LQCRC32lP60E/d
qmnchJ87KXAoxPk6e4HQeOFd7GtiENLMow5yAtHgjKkLp8BdaYWt+M8RpYLloYTX
aARWmldbu4MOYzvyW0b3FvcGlH1PtmJNTNgMEMCO+tymfoal8lqYD6YJG+CpNNva
TMcQE3bsiqFYXyRxoXzF4XBWQ3Do/TOk/LPzrQIDAQABAoIBAB3Hw6M1YPvx4XzQ
jldan5mGPZIAvjhmyuVpXjHQPo8kAXKemuO9WNAbVAh+KgRMy2AFGznay4FRe1PF
cqAEIiVmjtlmXe2+tfuJ4IpT8k6Y7cwlsXzU0tLd/a1FDA+dnKUa7wzKGpUBVeij
Lu9VGpixkFCz8Ibl2gj7mY2dIN1EUtWeSQfdx0l1pofft6poP/tgm519KDG4SzCD
PhLO5cZJPpY3IPUStqc1NzCH25j0g7T1/UE4ltZSxQuLeXtIHCdgxEkS/iYf2/KT
ICikfIfbdqYzGeG2nBxZY7h6QrGAw5IGAl4WJqyHP/fSe/jPAjxlWQbwmjqlgS4y
aKftTsECgYEA48he0ItKxyHfPPZ9gTIbrGnbaeXj7GlYDdFgicfHTQXSI0wAwY8Y
d0Z/WSMRqxWPXZYVdLkkPgwONgMQ24vTvS/cD3Uw+5bY7jKpeKrTkSHQ1oNcP+zo
TJUgdyq+T3PXPhmNTGL2dzXy2xMLuUZtCdebUPxnI8m+j2psQlTzlx0CgYEA2I4k
seDzyQ1mwDbIgl4FDF9Tx8AIssXC2+ximgzqrXaKfx4W/CvsRZ+0W51gsUbhpWAv
twRbGlPC24IYC7K+ryeabanuGLYqyTpZjfKMoG5kpoFqTyUA/3DATmQCKE/Rr/vN
A/C6Dw3xVx7PlHLk+Sd7D6PQLMHV1sNKO39W2dECgYEA2vYnJsNvm6LU7M5p8QLR
FVkhAVhrVDwj2AyYh3nS/RiGW0XZSDedJjNPgckzV8m+6hC3CWBcFYUTOBqUXue4
IBncqcNW1dK5L6jlvkhAXjgqf7sAt7aty8hi0Ar3rHrHwzte17oeAJSMoslZML4h
XR+0fxJSt1Vc6JI+BTmSe4UCgYEAgiJRLM+o0D4MbB+/uI/1aqzydMwSrhOneG+C
BV8Tu6/LpH4Zg+qFLoW9ZXyaeY3F1ZKKuemVMan6I9z2xDji2/DpnVMLsK/v4EL/
RAzosxQDygdlMjBjfB1ugu0YWs80jBO97MtBlABl8luilGvC63LtQcXIOM02yrtK
pZxtPbECgYAynOGHiMngcMvrK7gbVLkrnrzL01IZVIhKIA0+LP+eHkJB5NO2U2LZ
JZhL36TP6TGyDrfndtDXkF32hIBHq6GzezBbPQhzGccgBULq6JuDXvo7aI+v47az
8xKSTx2pdNOSEU+Ka7PUyCv4+aTe81xnmsefbeHHjTFNUUUQgKzzaQ==
-----END RSA PRIVATE KEY-----
)";

inline constexpr std::string_view kEcPem = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFsGI4oMHm2XQ/MF3v3d6bE2riBXAwxuWBRXFfVi2E5roAoGCCqGSM49
AwEHoUQDQgAERnbPYFVzBO4CqVsMhL4Fn5fMx9Py3cPjI/YxNssDxwL3h9IWyd3b
D51t5XTwtRzLXaq8zG0zNamfMEM19GS/xA==
-----END EC PRIVATE KEY-----
)";

inline constexpr std::string_view kP384Pem = R"(-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDExo5GFUNZJHBbi9HJ
JyCMzO76DLoZBsHWi5/qeeCYJRC1Weal1l0tAJAxGWo0SlKhZANiAATlhFKw0GPt
n/u9bhQGYVtlsf33yhxVut16486yBKSFm9ibxEX8Z80zPSiAzVm7UTMbJguurB5E
CEguVZ4UTSz8F2wm8AINqaB6OrXNmY5QfysraLnFVpGBcPa/3wXSBK0=
-----END PRIVATE KEY-----
)";

}  // namespace vallum::testing
