package hookqueue.check;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;

/**
 * A secret key that signs store paths: {@code NAME:BASE64}, of the 32 bytes of an Ed25519 seed and
 * the 32 bytes of the public key (libsodium's format; Nix: {@code src/libutil/signature}).
 *
 * @param name of the key, as in signatures and in {@code trusted-public-keys}
 * @param publicHalf {@code NAME:BASE64}, as {@code nix key convert-secret-to-public} prints it
 */
record SecretKey(String name, String publicHalf) {
    private static final int HALF = 32;

    /**
     * @throws IllegalArgumentException with the rule that it breaks, and nothing of the key
     */
    static SecretKey parse(String content) {
        String[] parts = content.strip().split(":", 2);
        if (parts.length < 2 || parts[0].isEmpty()) {
            throw new IllegalArgumentException("it is not NAME:BASE64");
        }
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(parts[1].replace("\n", ""));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the text after the colon is not Base64", e);
        }
        if (bytes.length == HALF) {
            throw new IllegalArgumentException("it is a public key");
        }
        if (bytes.length != 2 * HALF) {
            throw new IllegalArgumentException("it has " + bytes.length + " bytes, not 64");
        }
        byte[] seed = Arrays.copyOf(bytes, HALF);
        byte[] half = Arrays.copyOfRange(bytes, HALF, 2 * HALF);
        if (!belongTogether(seed, half)) {
            throw new IllegalArgumentException("its two halves do not belong together");
        }
        return new SecretKey(parts[0], parts[0] + ":" + Base64.getEncoder().encodeToString(half));
    }

    /** Whether the public key verifies what the seed signs. */
    private static boolean belongTogether(byte[] seed, byte[] half) {
        byte[] text = "nix-post-build-hook-queue".getBytes(StandardCharsets.US_ASCII);
        try {
            var keys = KeyFactory.getInstance("Ed25519");
            var signing = Signature.getInstance("Ed25519");
            signing.initSign(
                    keys.generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, seed)));
            signing.update(text);
            byte[] signature = signing.sign();
            var verifying = Signature.getInstance("Ed25519");
            verifying.initVerify(keys.generatePublic(new X509EncodedKeySpec(encoded(half))));
            verifying.update(text);
            return verifying.verify(signature);
        } catch (GeneralSecurityException e) {
            return false; // the half is not a point of the curve
        }
    }

    /** An Ed25519 key with its ASN.1 header (RFC 8410, 4). */
    private static byte[] encoded(byte[] half) {
        return HexFormat.of().parseHex("302a300506032b6570032100" + HexFormat.of().formatHex(half));
    }
}
