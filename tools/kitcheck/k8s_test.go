package kitcheck

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of `kit k8s`, decoded without tolerance into the types of the API servers.
type manifests struct {
	config     core.ConfigMap
	account    core.ServiceAccount
	deployment apps.Deployment
	budget     policy.PodDisruptionBudget
	service    core.Service
	monitor    monitoring.PodMonitor
}

func decode(t *testing.T) *manifests {
	t.Helper()
	var m manifests
	into := map[string]any{
		"v1/ConfigMap": &m.config, "v1/ServiceAccount": &m.account, "apps/v1/Deployment": &m.deployment,
		"policy/v1/PodDisruptionBudget": &m.budget, "v1/Service": &m.service, "monitoring.coreos.com/v1/PodMonitor": &m.monitor,
	}
	for document := range strings.SplitSeq(kit(t, "k8s"), "\n---\n") {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			t.Fatal(err)
		}
		name := head.APIVersion + "/" + head.Kind
		target, ok := into[name]
		if !ok {
			t.Fatalf("%s: unexpected, or there twice", name)
		}
		delete(into, name)
		if err := yaml.UnmarshalStrict([]byte(document), target); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name := range into {
		t.Errorf("no %s", name)
	}
	return &m
}

func TestKubernetesKnowsTheManifests(t *testing.T) {
	m := decode(t)
	if t.Failed() {
		return
	}
	spec := &m.deployment.Spec
	pod := spec.Template
	for name, selected := range map[string]map[string]string{
		"Deployment": spec.Selector.MatchLabels, "PodDisruptionBudget": m.budget.Spec.Selector.MatchLabels, "Service": m.service.Spec.Selector,
		"PodMonitor": m.monitor.Spec.Selector.MatchLabels, "spread": pod.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
	} {
		if !reflect.DeepEqual(selected, pod.Labels) || len(selected) == 0 {
			t.Errorf("%s selects %v, the pods are %v", name, selected, pod.Labels)
		}
	}
	c := pod.Spec.Containers[0]
	var ports []string
	for _, p := range c.Ports {
		ports = append(ports, p.Name)
	}
	asked := []string{
		c.LivenessProbe.HTTPGet.Port.StrVal, c.ReadinessProbe.HTTPGet.Port.StrVal, c.StartupProbe.HTTPGet.Port.StrVal,
		m.service.Spec.Ports[0].TargetPort.StrVal, *m.monitor.Spec.PodMetricsEndpoints[0].Port,
	}
	for _, name := range asked {
		if !slices.Contains(ports, name) {
			t.Errorf("port %q is none of the container's %v", name, ports)
		}
	}
	if c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Error("the probes ask something else")
	}
	if pod.Spec.ServiceAccountName != m.account.Name || pod.Spec.Volumes[0].Projected.Sources[0].ConfigMap.Name != m.config.Name {
		t.Error("account or configuration has another name than what is used")
	}
}

// It runs under the strictest of the pod security standards, "restricted".
func TestThePodIsRestricted(t *testing.T) {
	pod := decode(t).deployment.Spec.Template.Spec
	p, c := pod.SecurityContext, pod.Containers[0].SecurityContext
	switch {
	case p.RunAsNonRoot == nil || !*p.RunAsNonRoot || *p.RunAsUser == 0:
		t.Error("may be root")
	case p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault:
		t.Error("no seccomp profile")
	case c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation:
		t.Error("may gain rights")
	case c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem:
		t.Error("may write its image")
	case !slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}) || len(c.Capabilities.Add) > 0:
		t.Error("keeps capabilities")
	case pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken:
		t.Error("gets a token it has no use for")
	}
}

// Every file that the configuration names is mounted where it looks, and every secret that is mounted is used.
func TestSecretsAreMountedWhereTheConfigurationLooks(t *testing.T) {
	m := decode(t)
	var wanted, mounted []string
	for _, name := range regexp.MustCompile(`_file: (\S+)`).FindAllStringSubmatch(m.config.Data["config.yaml"], -1) {
		wanted = append(wanted, name[1])
	}
	for _, source := range m.deployment.Spec.Template.Spec.Volumes[0].Projected.Sources {
		if source.Secret != nil {
			for _, item := range source.Secret.Items {
				mounted = append(mounted, item.Path)
			}
		}
	}
	slices.Sort(wanted)
	slices.Sort(mounted)
	if !slices.Equal(wanted, mounted) || len(wanted) == 0 {
		t.Errorf("the configuration names %q, mounted are %q", wanted, mounted)
	}
}
