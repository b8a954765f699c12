package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"
)

// PKI is an authority of its own for a test, with a certificate for the brokers (127.0.0.1) and one for clients. All in PEM.
type PKI struct {
	CA                    string
	ServerCert, ServerKey string
	ClientCert, ClientKey string
}

func newPKI(t testing.TB) PKI {
	t.Helper()
	authority, authorityKey, ca, _ := issue(t, nil, nil, "authority")
	_, _, serverCert, serverKey := issue(t, authority, authorityKey, "broker")
	_, _, clientCert, clientKey := issue(t, authority, authorityKey, "client")
	return PKI{CA: ca, ServerCert: serverCert, ServerKey: serverKey, ClientCert: clientCert, ClientKey: clientKey}
}

// OtherCA returns the certificate of an authority that signed nothing.
func OtherCA(t testing.TB) string { return newPKI(t).CA }

// issue signs a certificate, by itself if there is no parent.
func issue(t testing.TB, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, name string) (cert *x509.Certificate, key *ecdsa.PrivateKey, certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert = &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if parent == nil {
		parent, parentKey = cert, key
		cert.IsCA, cert.BasicConstraintsValid, cert.KeyUsage, cert.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	keyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	return cert, key, certPEM, keyPEM
}

func (p PKI) server() (*tls.Config, error) {
	config, err := p.config(p.ServerCert, p.ServerKey)
	if err != nil {
		return nil, err
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, config.RootCAs
	return config, nil
}

func (p PKI) client() (*tls.Config, error) { return p.config(p.ClientCert, p.ClientKey) }

func (p PKI) config(cert, key string) (*tls.Config, error) {
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(p.CA)) {
		return nil, errors.New("no certificate of an authority")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
