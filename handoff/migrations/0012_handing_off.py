"""Handoffs: reviewed, accepted, shadowed page by page, backed up and looked back at."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('handoff', '0011_applied_decisions'),
        ('readiness', '0005_alert_kinds'),
    ]

    operations = [
        migrations.CreateModel(
            name='LookBack',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days', models.PositiveSmallIntegerField()),
                ('numbers', models.JSONField(help_text='For each measure what it was at the move, and what it is.')),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['case_id', 'days'],
            },
        ),
        migrations.CreateModel(
            name='PageAssessment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('critical', models.BooleanField(help_text='It was right to wake somebody for it.')),
                ('actionable', models.BooleanField(help_text='Whoever was paged could do something about it.')),
                ('remark', models.TextField(blank=True)),
                ('actor', models.CharField(help_text='Id and name of the person.', max_length=300)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Shadow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('began_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(help_text='The earliest end, once the rota has turned, too.')),
                ('rota', models.JSONField(blank=True, default=list, help_text='Who is on call in the ops team, by name; each has a shift in it.')),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('outcome', models.CharField(blank=True, choices=[('took_over', 'operations took over'), ('stopped', 'stopped'), ('cut_short', 'ended with its case')], max_length=10)),
            ],
            options={
                'ordering': ['case_id', 'began_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='ShadowConfirmation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('side', models.CharField(choices=[('developers', 'developers'), ('operations', 'operations')], max_length=10)),
                ('actor', models.CharField(help_text='Id and name of the person.', max_length=300)),
                ('reason', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['at', 'pk'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='case',
            name='case_ends_in_a_last_state',
        ),
        migrations.RemoveConstraint(
            model_name='case',
            name='handoff_is_in_a_state_of_its_own',
        ),
        migrations.RemoveConstraint(
            model_name='case',
            name='case_confirmed_by_somebody',
        ),
        migrations.AddField(
            model_name='case',
            name='accepted_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='case',
            name='accepted_by',
            field=models.CharField(blank=True, help_text='Who of the ops team accepted to carry the service.', max_length=300),
        ),
        migrations.AddField(
            model_name='case',
            name='backup_ends_at',
            field=models.DateTimeField(blank=True, help_text='Of a handoff: until then developers are paged second.', null=True),
        ),
        migrations.AddField(
            model_name='case',
            name='moved_card',
            field=models.ForeignKey(blank=True, help_text='Of a handoff: what the move rests on, and what look backs compare with.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='readiness.scorecard'),
        ),
        migrations.AddField(
            model_name='case',
            name='reachable',
            field=models.ManyToManyField(blank=True, help_text='Developers who stay reachable after a handoff.', related_name='+', to='readiness.person'),
        ),
        migrations.AddField(
            model_name='case',
            name='reachable_until',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='case',
            name='review',
            field=models.OneToOneField(blank=True, help_text='Of a handoff: the review that decides about it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='case', to='handoff.review'),
        ),
        migrations.AddField(
            model_name='case',
            name='room_seen',
            field=models.JSONField(blank=True, help_text='What the ops team saw that it carries and would carry.', null=True),
        ),
        migrations.AlterField(
            model_name='case',
            name='confirmed_at',
            field=models.DateTimeField(blank=True, help_text='The service has moved since.', null=True),
        ),
        migrations.AlterField(
            model_name='case',
            name='state',
            field=models.CharField(choices=[('proposed', 'proposed'), ('in_review', 'in review'), ('approved', 'approved'), ('shadowing', 'shadowing'), ('backed_up', 'backed up'), ('completed', 'completed'), ('joint_repair', 'joint repair'), ('stabilising', 'stabilising'), ('confirmed', 'confirmed'), ('stabilised', 'stabilised'), ('rejected', 'rejected'), ('withdrawn', 'withdrawn'), ('lapsed', 'lapsed')], default='proposed', max_length=20),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'handoff'), ('state__in', ['approved', 'backed_up', 'completed', 'in_review', 'lapsed', 'proposed', 'rejected', 'shadowing', 'withdrawn'])), models.Q(('kind', 'handback'), ('state__in', ['confirmed', 'joint_repair', 'lapsed', 'proposed', 'rejected', 'stabilised', 'stabilising', 'withdrawn'])), _connector='OR'), name='case_is_in_a_state_of_its_kind'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('accepted_at__isnull', True), ('accepted_by', ''), ('room_seen__isnull', True)), models.Q(('accepted_at__isnull', False), ('kind', 'handoff'), ('room_seen__isnull', False), models.Q(('accepted_by', ''), _negated=True)), _connector='OR'), name='case_accepted_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(('proposer', models.F('accepted_by')), _negated=True), name='case_accepted_by_another'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('in_review', 'approved', 'shadowing', 'backed_up', 'completed')), _negated=True), ('review__isnull', False), _connector='OR'), name='handoff_rests_on_a_review'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['shadowing', 'backed_up', 'completed']), _negated=True), models.Q(('accepted_by', ''), _negated=True), _connector='OR'), name='handoff_is_accepted_first'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['backed_up', 'completed']), _negated=True), models.Q(('backup_ends_at__gt', models.F('confirmed_at')), ('moved_card__isnull', False)), _connector='OR'), name='handoff_moved_on_a_scorecard'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('state__in', ('confirmed', 'stabilised', 'completed', 'rejected', 'withdrawn', 'lapsed'))), models.Q(models.Q(('state__in', ('confirmed', 'stabilised', 'completed', 'rejected', 'withdrawn', 'lapsed')), _negated=True), ('ended_at__isnull', True)), _connector='OR'), name='case_ends_in_a_last_state'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_at__isnull', False), ('state__in', ['confirmed', 'stabilising', 'stabilised', 'backed_up', 'completed', 'withdrawn']), models.Q(('decider', ''), _negated=True)), models.Q(models.Q(('state__in', ('confirmed', 'stabilising', 'stabilised', 'backed_up', 'completed')), _negated=True), ('confirmed_at__isnull', True)), _connector='OR'), name='case_confirmed_by_somebody'),
        ),
        migrations.AddField(
            model_name='lookback',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='look_backs', to='handoff.case'),
        ),
        migrations.AddField(
            model_name='lookback',
            name='scorecard',
            field=models.ForeignKey(help_text='The judgement of that day.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='readiness.scorecard'),
        ),
        migrations.AddField(
            model_name='pageassessment',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='handoff.case'),
        ),
        migrations.AddField(
            model_name='pageassessment',
            name='page',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='readiness.page'),
        ),
        migrations.AddField(
            model_name='shadow',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shadows', to='handoff.case'),
        ),
        migrations.AddField(
            model_name='shadowconfirmation',
            name='shadow',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='confirmations', to='handoff.shadow'),
        ),
        migrations.AddConstraint(
            model_name='lookback',
            constraint=models.UniqueConstraint(fields=('case', 'days'), name='one_look_back_of_a_day'),
        ),
        migrations.AddConstraint(
            model_name='pageassessment',
            constraint=models.CheckConstraint(condition=models.Q(('actor', ''), _negated=True), name='assessment_has_an_actor'),
        ),
        migrations.AddConstraint(
            model_name='shadow',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('case',), name='one_shadow_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='shadow',
            constraint=models.CheckConstraint(condition=models.Q(('due_at__gt', models.F('began_at'))), name='shadow_lasts'),
        ),
        migrations.AddConstraint(
            model_name='shadow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('outcome', '')), models.Q(('ended_at__gte', models.F('began_at')), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='shadow_ends_with_an_outcome'),
        ),
        migrations.AddConstraint(
            model_name='shadowconfirmation',
            constraint=models.UniqueConstraint(fields=('shadow', 'side'), name='one_confirmation_a_side'),
        ),
        migrations.AddConstraint(
            model_name='shadowconfirmation',
            constraint=models.UniqueConstraint(fields=('shadow', 'actor'), name='a_person_confirms_once'),
        ),
        migrations.AddConstraint(
            model_name='shadowconfirmation',
            constraint=models.CheckConstraint(condition=models.Q(('side__in', ['developers', 'operations'])), name='confirming_side_is_known'),
        ),
        migrations.AddConstraint(
            model_name='shadowconfirmation',
            constraint=models.CheckConstraint(condition=models.Q(('actor', ''), _negated=True), name='confirmation_has_an_actor'),
        ),
    ]
